import type { Memory } from '../domain/memory';
import { trustLevelOf } from '../domain/trust';
import type { MemoryRow } from '../state/tables/memory-row';
import { answerBytesOf } from './record-loader';
import type { SameStatements } from './same-statements';
import type { RankedRow } from './score';
import type { SourcePicker } from './source-cap';

/** If copies fill an answer, so many memories are read for it. It takes about 10 ms, and the answer may have fewer hits than it could have. */
export const mostOffered = (topK: number): number => Math.max(1_024, 4 * topK);

/** A memory that may become a hit. */
export interface HitCandidate {
  readonly ranked: RankedRow;
  readonly record: MemoryRow;
  readonly memory: Memory;
}

/** A hit, and the ids of the other memories that it stands for, in the order of their scores. */
export interface SelectedHit extends HitCandidate {
  readonly others: readonly string[];
}

export interface SelectionRules {
  readonly topK: number;
  readonly picker: SourcePicker;
  /** Undefined if each memory is a hit of its own. */
  readonly same: SameStatements | undefined;
  /**
   * Whether, among memories that say the same in one session or in none, the newer one is the hit. Otherwise it is the one with the higher
   * score.
   */
  readonly prefersNewer: boolean;
}

interface Group {
  chosen: HitCandidate;
  others: string[];
}

/**
 * Chooses the hits among memories that it is offered in the order of their scores. A memory that says the same as a chosen one takes no
 * place of its own. The more trusted of the two is the hit, then the newer one of a session, in the place of the first. A memory that exceeds the
 * cap of its source is passed over, and hides no other.
 */
export class HitSelection {
  readonly #rules: SelectionRules;
  readonly #groups: Group[] = [];
  readonly #bySubject = new Map<string, Group[]>();
  readonly passedOver: string[] = [];
  #offered = 0;
  #merged = 0;
  #bytes = 0;

  constructor(rules: SelectionRules) {
    this.#rules = rules;
  }

  get count(): number {
    return this.#groups.length;
  }

  get isFull(): boolean {
    return this.#groups.length === this.#rules.topK;
  }

  /** Whether a hit stands for others. */
  get hasMerged(): boolean {
    return this.#merged > 0;
  }

  /** Whether a memory was offered that did not become a hit of its own. */
  get hasLeftOut(): boolean {
    return this.hasMerged || this.#rules.picker.passedOver > 0;
  }

  get hits(): readonly SelectedHit[] {
    return this.#groups.map(({ chosen, others }) => ({ ...chosen, others }));
  }

  /** What the hits add to an answer. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether more memories cannot change the answer, or would take too long to read because most of them are copies. */
  get isDone(): boolean {
    return this.isFull || (this.hasMerged && this.#offered >= mostOffered(this.#rules.topK));
  }

  /** Leaves out a memory that exceeds the cap of its source. */
  passOver(id?: string): void {
    this.#rules.picker.passOver();
    if (id !== undefined) this.passedOver.push(id);
  }

  /** Takes the next memory in the order of scores. */
  offer(candidate: HitCandidate): void {
    const { picker, same } = this.#rules;
    this.#offered++;
    const alike = same && this.#alikeOf(same.subjectOf(candidate.record));
    if (alike?.some((group) => this.#joins(group, candidate))) {
      this.#merged++;
      picker.merge(candidate.record);
      return;
    }
    if (!picker.takes(candidate.record)) {
      this.passedOver.push(candidate.memory.id);
      return;
    }
    const group: Group = { chosen: candidate, others: [] };
    this.#groups.push(group);
    this.#bytes += answerBytesOf(candidate.record);
    alike?.push(group);
  }

  #alikeOf(subject: string): Group[] {
    const alike = this.#bySubject.get(subject) ?? [];
    this.#bySubject.set(subject, alike);
    return alike;
  }

  /** Adds a memory to a group if one of the two can stand for the other. */
  #joins(group: Group, candidate: HitCandidate): boolean {
    const { picker, same } = this.#rules;
    const { chosen } = group;
    const relation = same?.relation(chosen.record, candidate.record);
    if (relation === undefined) return false;
    const trust = trustLevelOf(candidate.memory.trust) - trustLevelOf(chosen.memory.trust);
    // What says more cannot be left out for what says less, and neither can what is more trusted.
    const mayStand = relation !== 'less' && trust >= 0;
    const mayBeLeftOut = relation !== 'more' && trust <= 0;
    if (mayStand && (!mayBeLeftOut || this.#isNewer(candidate, chosen))) {
      if (picker.replaces(chosen.record, candidate.record)) {
        group.others.unshift(chosen.memory.id);
        group.chosen = candidate;
        this.#bytes += answerBytesOf(candidate.record) - answerBytesOf(chosen.record);
        return true;
      }
    }
    if (!mayBeLeftOut) return false;
    group.others.push(candidate.memory.id);
    return true;
  }

  #isNewer(one: HitCandidate, other: HitCandidate): boolean {
    // What a turn means depends on its session, and the score tells whether that is the session which the question is about.
    if (!this.#rules.prefersNewer || one.memory.sessionId !== other.memory.sessionId) return false;
    return one.memory.validFrom.getTime() > other.memory.validFrom.getTime();
  }
}
