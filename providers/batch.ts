interface Call<In, Out> {
  input: In;
  resolve: (result: Out) => void;
  reject: (error: unknown) => void;
}

/**
 * Collects calls that arrive together and runs them as one, one run at a time: a run starts after `quiet`
 * milliseconds without a new call, or `longest` milliseconds after the first. Calls that come during a run
 * wait for the next. `run` returns one result per call, in their order; an Error fails that call alone.
 */
export class Batch<In, Out> {
  private waiting: Call<In, Out>[] = [];
  private timer: NodeJS.Timeout | undefined;
  private firstAt = 0;
  private running = false;

  constructor(
    private readonly run: (inputs: In[]) => Promise<(Out | Error)[]>,
    private readonly quiet = 300,
    private readonly longest = 3000,
  ) {}

  add(input: In): Promise<Out> {
    return new Promise((resolve, reject) => {
      if (this.waiting.length === 0) this.firstAt = Date.now();
      this.waiting.push({ input, resolve, reject });
      this.schedule();
    });
  }

  private schedule(): void {
    if (this.running || this.waiting.length === 0) return;
    clearTimeout(this.timer);
    const left = Math.max(0, this.firstAt + this.longest - Date.now());
    this.timer = setTimeout(() => void this.start(), Math.min(this.quiet, left));
  }

  private async start(): Promise<void> {
    const calls = this.waiting;
    this.waiting = [];
    this.running = true;
    try {
      const results = await this.run(calls.map((call) => call.input));
      calls.forEach((call, index) => {
        const result = results[index];
        if (result instanceof Error) call.reject(result);
        else call.resolve(result as Out);
      });
    } catch (error) {
      for (const call of calls) call.reject(error);
    } finally {
      this.running = false;
      this.firstAt = Date.now();
      this.schedule();
    }
  }
}

/** Batches by their keys, each made at its first use. */
export class Batches<In, Out> {
  private readonly byKey = new Map<string, Batch<In, Out>>();

  constructor(private readonly make: (key: string) => Batch<In, Out>) {}

  for(key: string): Batch<In, Out> {
    let batch = this.byKey.get(key);
    if (batch === undefined) this.byKey.set(key, (batch = this.make(key)));
    return batch;
  }
}
