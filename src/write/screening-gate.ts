import type { Policy } from '../access/policy';
import type { CallOptions } from '../domain/calls';
import type { MemoryDraft } from '../domain/command';
import { contains, type Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import { type Trust, trustLevelOf } from '../domain/trust';
import type { Screener, ScreeningVerdict } from '../screening/screener';

/** How a store screens new texts. */
export interface ScreeningOptions {
  /** Judges the texts. `builtInScreener()` needs no network. */
  screener: Screener;
  /** A text with this score or a higher one goes into quarantine. Above 0, at most 1. Default: 0.5. */
  threshold?: number;
  /**
   * Namespaces in which nothing goes into quarantine, such as those of a security team that writes about attacks. They apply to the
   * namespaces below them, too. `store.trust.explain` still tells the verdict. Default: none.
   */
  labelOnly?: readonly Namespace[];
}

/** What a text of a new memory, or of a change, is judged by. */
export type ScreenedDraft = Pick<MemoryDraft, 'text' | 'namespace' | 'source'>;

/** Decides which new texts go into quarantine. It uses nothing but the text, and the rules about who is trusted. */
export class ScreeningGate {
  readonly screener: Screener;
  readonly #threshold: number;
  readonly #labelOnly: readonly Namespace[];
  readonly #policy: () => Policy;

  constructor({ screener, threshold = 0.5, labelOnly = [] }: ScreeningOptions, policy: () => Policy) {
    this.screener = screener;
    this.#threshold = threshold;
    this.#labelOnly = labelOnly;
    this.#policy = policy;
  }

  /**
   * Returns for each draft 'untrusted' if it goes into quarantine. What a verified principal writes is not screened. If the screener fails,
   * nothing is lost: what it should have judged goes into quarantine.
   */
  async limits(actor: Actor, drafts: readonly ScreenedDraft[], call: CallOptions): Promise<(Trust | undefined)[]> {
    const limits: (Trust | undefined)[] = drafts.map(() => undefined);
    const screened = [...drafts.keys()].filter((i) => this.#isScreened(actor, drafts[i] as ScreenedDraft));
    if (screened.length === 0) return limits;
    const verdicts = await this.#verdicts(
      screened.map((i) => (drafts[i] as ScreenedDraft).text),
      call,
    );
    for (const [n, i] of screened.entries()) {
      const score = verdicts?.[n]?.score;
      // A score that is no number must not let a text pass.
      if (score === undefined || !(score < this.#threshold)) limits[i] = 'untrusted';
    }
    return limits;
  }

  /** Judges one text, whoever wrote it. Undefined if the screener fails. */
  async verdictOn(text: string, call: CallOptions): Promise<ScreeningVerdict | undefined> {
    return (await this.#verdicts([text], call))?.[0];
  }

  async #verdicts(texts: readonly string[], call: CallOptions): Promise<readonly ScreeningVerdict[] | undefined> {
    try {
      const verdicts = await this.screener.screen(texts, call);
      return verdicts.length === texts.length ? verdicts : undefined;
    } catch {
      call.signal?.throwIfAborted();
      return undefined;
    }
  }

  #isScreened(actor: Actor, { namespace, source }: ScreenedDraft): boolean {
    if (this.#labelOnly.some((each) => contains(each, namespace))) return false;
    const policy = this.#policy();
    const ceiling = Math.min(policy.ceilingOf(actor, namespace), policy.channelCeiling(source.channel, namespace));
    return ceiling < trustLevelOf('verified');
  }
}
