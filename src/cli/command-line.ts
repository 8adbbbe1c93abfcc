/** The value of an option. */
export type Value = string | boolean | readonly string[];

/** What somebody has typed after the name of a command. */
export class CommandLine {
  readonly args: readonly string[];
  readonly #values: Readonly<Record<string, Value | undefined>>;

  constructor(args: readonly string[], values: Readonly<Record<string, Value | undefined>>) {
    this.args = args;
    this.#values = values;
  }

  /** The folder of the store, which comes first. */
  get folder(): string {
    return this.args[0] as string;
  }

  isGiven(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  has(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  all(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : [];
  }

  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }
}
