import type { Random } from '../random';
import { type Content, commonWord } from './calls';

const words =
  'amber basin cedar delta ember fjord grove harbour island jasper kettle lagoon meadow nectar orchid pebble'.split(
    ' ',
  );
/** The tags by which a lane forgets several memories at once. */
export const groups = ['group-0', 'group-1', 'group-2', 'group-3'] as const;

/** Makes the contents of one lane in one cycle, all different. */
export class Contents {
  readonly #random: Random;
  readonly #prefix: string;
  #made = 0;

  constructor(random: Random, cycle: number, lane: number) {
    this.#random = random;
    this.#prefix = `c${cycle}l${lane}n`;
  }

  next(): Content {
    const token = `${this.#prefix}${this.#made++}`;
    return {
      token,
      text: this.#text(token),
      tags: [this.#random.pick(groups), `tag-${this.#random.whole(0, 9)}`],
      priority: this.#random.whole(0, 100) / 100,
      metadata: { token },
    };
  }

  many(least: number, most: number): Content[] {
    return Array.from({ length: this.#random.whole(least, most) }, () => this.next());
  }

  #text(token: string): string {
    const random = this.#random;
    const sentence = () => Array.from({ length: random.whole(4, 14) }, () => random.pick(words)).join(' ');
    const text = `The ${commonWord} ${token} stands here: ${sentence()}.`;
    // Some texts are so long that they have several vectors, and some have what half a surrogate pair becomes.
    if (random.chance(0.04)) return [text, ...Array.from({ length: 40 }, sentence)].join('. ');
    return random.chance(0.04) ? `${text} \ufffd ${sentence()}` : text;
  }
}
