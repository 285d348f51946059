/** An error meant for the user: its text is the whole message, without a stack. */
export class UserError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "";
    this.stack = "";
  }
}

/** A command on a host ended with another code than 0. `stderr` is its stderr. */
export class CommandFailed extends UserError {
  constructor(
    message: string,
    readonly code: number,
    readonly stderr: string,
  ) {
    super(message);
  }
}

/** A run returned nothing for a resource. `begun`: it may have changed it all the same. */
export class NoAnswer extends UserError {
  constructor(
    message: string,
    readonly begun: boolean,
  ) {
    super(message);
  }
}

/** The object was changed but is out of sync: state keeps it, and the next run repairs it. */
export class PartialChange extends UserError {
  readonly reasons: string[];

  constructor(
    readonly id: string,
    readonly properties: object,
    reason: string,
  ) {
    super(reason);
    this.reasons = [reason];
  }
}
