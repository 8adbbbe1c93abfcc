import type { Screen } from '../screen';

/** Checks the claims of the example and prints each one with its result. */
export class Checks {
  allPassed = true;
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  /** Prints a claim. The example fails if one does not hold. */
  check(holds: boolean, line: string): void {
    this.allPassed &&= holds;
    this.#screen.print(`  ${holds ? this.#screen.style('green', '✔') : this.#screen.style('red', '✘')} ${line}`);
  }
}
