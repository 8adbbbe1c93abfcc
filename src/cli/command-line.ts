import { systemPath } from './file-paths';

/** The value of an option. */
export type OptionValue = string | boolean | readonly string[];

/** The arguments and options after the name of a command. */
export class CommandLine {
  readonly args: readonly string[];
  readonly #values: Readonly<Record<string, OptionValue | undefined>>;

  constructor(args: readonly string[], values: Readonly<Record<string, OptionValue | undefined>>) {
    this.args = args;
    this.#values = values;
  }

  /** The folder of the store: the first argument of every command. */
  get folder(): string {
    return systemPath(this.args[0] as string);
  }

  /** Returns the path in an argument that names a file or a folder. */
  file(index: number): string {
    return systemPath(this.args[index] as string);
  }

  /** Returns whether an option was given. */
  isGiven(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  /** Returns whether a flag was given. */
  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Returns the value of an option, or undefined if the option was not given. */
  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** Returns the value of an option that names a file or a folder, or `undefined` if the option was not given. */
  path(name: string): string | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : systemPath(text);
  }

  /** Returns all values of a repeatable option. */
  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value : [];
  }

  /** Returns the value of an option as a number, or undefined if the option was not given. */
  number(name: string): number | undefined {
    const text = this.text(name);
    return text === undefined ? undefined : Number(text);
  }
}
