/** A command line that makes no sense: what is wrong with it, a sentence each. */
export class UsageError extends Error {
  readonly problems: readonly string[];

  constructor(...problems: string[]) {
    super(problems.join(' '));
    this.name = 'UsageError';
    this.problems = problems;
  }
}
