import type { Screen } from '../screen';

/** What the story claims, each printed with whether it holds. */
export class Checks {
  allPassed = true;
  readonly #screen: Screen;

  constructor(screen: Screen) {
    this.#screen = screen;
  }

  that(holds: boolean, line: string): void {
    this.allPassed &&= holds;
    this.#screen.print(`  ${holds ? this.#screen.style('green', '✔') : this.#screen.style('red', '✘')} ${line}`);
  }
}
