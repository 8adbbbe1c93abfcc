import type { Policy } from '../access/policy';
import type { CallOptions } from '../domain/calls';
import type { MemoryDraft } from '../domain/command';
import { contains, type Namespace } from '../domain/namespace';
import type { Actor } from '../domain/principal';
import { type Trust, trustLevelOf } from '../domain/trust';
import { startDeadline } from '../environment/timers';
import type { Screener, ScreeningVerdict } from '../screening/screener';

/** How a store screens new texts. */
export interface ScreeningOptions {
  /** Judges the texts. Default: `builtInScreener()`, which needs no network. It is loaded with the first text to judge. */
  screener?: Screener;
  /** A text with this score or a higher one goes into quarantine. Above 0, at most 1. Default: 0.5. */
  threshold?: number;
  /**
   * What would be more trusted than this is not screened. 'reported': what came through the channels `tool`, `document` and `import`, and what
   * principals write whose ceiling is no higher. 'standard': also what agents, users and services say themselves. Default: 'reported'.
   */
  maxTrust?: 'reported' | 'standard';
  /** What a verdict does. 'label': nothing; `store.trust.explain` tells it. Default: 'quarantine'. */
  at?: 'quarantine' | 'label';
  /**
   * Namespaces in which nothing goes into quarantine, such as those of a security team that writes about attacks. They apply to the
   * namespaces below them, too. `store.trust.explain` still tells the verdict. Default: none.
   */
  labelOnly?: readonly Namespace[];
  /**
   * The number of milliseconds that the screener has for up to 64 texts of one call. What it has not judged by then goes into quarantine.
   * Default: 30,000.
   */
  timeoutMs?: number;
}

/** `ScreeningOptions` with defaults. */
export interface ParsedScreening extends Required<Omit<ScreeningOptions, 'screener'>> {
  /** Undefined: the screener of the library. */
  readonly screener?: Screener | undefined;
}

/** What a text of a new memory, or of a change, is judged by. */
export type ScreenedDraft = Pick<MemoryDraft, 'text' | 'namespace' | 'source'>;

/** So many texts are judged in one call, so that a batch of any size needs no longer time-out. */
const textsPerCall = 64;

/** Decides which new texts go into quarantine. It uses nothing but the text, and the rules about who is trusted. */
export class ScreeningGate {
  readonly screener: Screener;
  readonly #options: ParsedScreening;
  readonly #policy: () => Policy;

  constructor(screener: Screener, options: ParsedScreening, policy: () => Policy) {
    this.screener = screener;
    this.#options = options;
    this.#policy = policy;
  }

  /**
   * Returns for each draft 'untrusted' if it goes into quarantine. If the screener fails or is late, nothing is lost: what it should have
   * judged goes into quarantine.
   */
  async limits(actor: Actor, drafts: readonly ScreenedDraft[], call: CallOptions): Promise<(Trust | undefined)[]> {
    const limits: (Trust | undefined)[] = drafts.map(() => undefined);
    const screened = [...drafts.keys()].filter((i) => this.#isScreened(actor, drafts[i] as ScreenedDraft));
    for (let start = 0; start < screened.length; start += textsPerCall) {
      const some = screened.slice(start, start + textsPerCall);
      const texts = some.map((i) => (drafts[i] as ScreenedDraft).text);
      const verdicts = await this.#verdicts(texts, call);
      for (const [n, i] of some.entries()) {
        const score = verdicts?.[n]?.score;
        // A score that is no number must not let a text pass.
        if (score === undefined || !(score < this.#options.threshold)) limits[i] = 'untrusted';
      }
    }
    return limits;
  }

  /** Judges one text, whoever wrote it. Undefined if the screener fails. */
  async verdictOn(text: string, call: CallOptions): Promise<ScreeningVerdict | undefined> {
    return (await this.#verdicts([text], call))?.[0];
  }

  async #verdicts(texts: readonly string[], call: CallOptions): Promise<readonly ScreeningVerdict[] | undefined> {
    const deadline = startDeadline(this.#options.timeoutMs, call.signal);
    try {
      const { signal } = deadline;
      // A screener may ignore the signal.
      const verdicts = await Promise.race([this.screener.screen(texts, { signal }), aborted(signal)]);
      return verdicts.length === texts.length ? verdicts : undefined;
    } catch {
      call.signal?.throwIfAborted();
      return undefined;
    } finally {
      deadline.end();
    }
  }

  #isScreened(actor: Actor, { namespace, source }: ScreenedDraft): boolean {
    const { at, labelOnly, maxTrust } = this.#options;
    if (at === 'label' || labelOnly.some((each) => contains(each, namespace))) return false;
    const policy = this.#policy();
    const ceiling = Math.min(policy.ceilingOf(actor, namespace), policy.channelCeiling(source.channel, namespace));
    return ceiling <= trustLevelOf(maxTrust);
  }
}

/** Rejects when the signal is aborted. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
