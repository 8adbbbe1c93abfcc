import { UsageError } from './usage-error';

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

  /** @throws UsageError */
  whole(name: string, least: number, most: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (/^\d+$/.test(text) && number >= least && number <= most) return number;
    throw new UsageError(`--${name} takes a whole number in ${least}..${most}, not ${JSON.stringify(text)}.`);
  }

  /** @throws UsageError */
  oneOf<T extends string>(name: string, choices: readonly T[]): T | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if ((choices as readonly string[]).includes(text)) return text as T;
    throw new UsageError(`--${name} takes ${choices.join(' or ')}, not ${JSON.stringify(text)}.`);
  }
}
