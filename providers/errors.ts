/** An error meant for the user: its text is the whole message, without a stack. */
export class UserError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "";
    this.stack = "";
  }
}

/** The object was changed but does not hold: state keeps it, and the next run repairs it. */
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
