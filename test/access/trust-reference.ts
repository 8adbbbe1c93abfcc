import type { Ceiling, MemorySource } from 'multi-agent-memory';
import { type Half, halfOf, Reference, type Who } from './reference';

export const levels = ['untrusted', 'reported', 'standard', 'verified'] as const;
export type Level = 0 | 1 | 2 | 3;
export type Channel = MemorySource['channel'];

/** A memory, as far as its trust depends on it. */
export interface TrustedNote {
  readonly id: string;
  readonly author: Who;
  readonly namespace: readonly string[];
  readonly channel: Channel;
  /** What ceilings and sources allowed when it was written. */
  readonly stored: Level;
  readonly sources: readonly TrustedNote[];
}

/** A simple second implementation of ceilings. Each sentence of the specification has its own method. */
export class TrustReference extends Reference {
  /** "The most restrictive wins." A declared ceiling stands in place of the default. */
  ceilingOfHalf(half: Half, namespace: readonly string[]): Level {
    const declared = this.ceilings().filter(
      ({ to, at }) => !('channel' in Object(to)) && this.isOf(to as never, half) && this.holds(at, namespace),
    );
    return declared.length === 0 ? 2 : this.lowest(declared.map(levelOf));
  }

  /** "min(ceilings of the author pair ...)"; "root 'verified'". */
  ceilingOf(who: Who, namespace: readonly string[]): Level {
    return who === 'root' ? 3 : this.lowest(this.halves(who).map((half) => this.ceilingOfHalf(half, namespace)));
  }

  /** "Default: tool, document, import 'reported'". */
  channelCeiling(channel: Channel, namespace: readonly string[]): Level {
    const isOf = ({ to, at }: Ceiling) => Object(to).channel === channel && this.holds(at, namespace);
    const declared = this.ceilings().filter(isOf);
    if (declared.length > 0) return this.lowest(declared.map(levelOf));
    return ['tool', 'document', 'import'].includes(channel) ? 1 : 3;
  }

  /** "Trust of all it derives from"; "at read the current ceiling of its author counts too". */
  trustOf({ author, namespace, channel, stored, sources }: TrustedNote): Level {
    const own = [stored, this.ceilingOf(author, namespace), this.channelCeiling(channel, namespace)];
    return this.lowest([...own, ...sources.map((source) => this.trustOf(source))]);
  }

  lowest(given: readonly Level[]): Level {
    return Math.min(...given) as Level;
  }

  ceilings(): Ceiling[] {
    return this.declarations.filter((each): each is Ceiling => 'ceiling' in each);
  }
}

export function levelOf({ ceiling }: Ceiling): Level {
  return levels.indexOf(ceiling) as Level;
}

/** Wrong references. The comparison with a store must find each of them. */
export const brokenTrust: Readonly<Record<string, typeof TrustReference>> = {
  'the highest ceiling counts': class extends TrustReference {
    override lowest(given: readonly Level[]): Level {
      return Math.max(...given) as Level;
    }
  },
  'only the agent half has a ceiling': class extends TrustReference {
    override ceilingOf(who: Who, namespace: readonly string[]): Level {
      return who === 'root' ? 3 : this.ceilingOfHalf(halfOf(who), namespace);
    }
  },
  'a ceiling of a group concerns nobody': class extends TrustReference {
    override members(): readonly Half[] {
      return [];
    }
  },
  'a channel has no ceiling': class extends TrustReference {
    override channelCeiling(): Level {
      return 3;
    }
  },
  'a ceiling holds where it is declared, and not below': class extends TrustReference {
    override holds(at: readonly string[], namespace: readonly string[]): boolean {
      return at.length === namespace.length && super.holds(at, namespace);
    }
  },
  'namespaces are compared as joined text': class extends TrustReference {
    override holds(at: readonly string[], namespace: readonly string[]): boolean {
      return namespace.join('/').startsWith(at.join('/'));
    }
  },
  'what is derived keeps its own trust': class extends TrustReference {
    override trustOf(note: TrustedNote): Level {
      return super.trustOf({ ...note, sources: [] });
    }
  },
  'the trust of the time of the write counts': class extends TrustReference {
    override trustOf({ stored }: TrustedNote): Level {
      return stored;
    }
  },
  'the current ceilings alone count': class extends TrustReference {
    override trustOf(note: TrustedNote): Level {
      return super.trustOf({ ...note, stored: 3 });
    }
  },
};
