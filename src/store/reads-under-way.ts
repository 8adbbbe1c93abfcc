/** The reads of a folder that have begun and not ended. */
export class ReadsUnderWay {
  #count = 0;
  #end: { readonly promise: Promise<void>; readonly resolve: () => void } | undefined;

  /** Runs one. */
  async during<T>(read: () => Promise<T>): Promise<T> {
    this.#count++;
    try {
      return await read();
    } finally {
      this.#count--;
      if (this.#count === 0) {
        this.#end?.resolve();
        this.#end = undefined;
      }
    }
  }

  /** Resolves when there are none. Undefined where there are none. */
  end(): Promise<void> | undefined {
    if (this.#count === 0) return undefined;
    if (this.#end === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((resolved) => {
        resolve = resolved;
      });
      this.#end = { promise, resolve };
    }
    return this.#end.promise;
  }
}
