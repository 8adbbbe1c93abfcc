import type { Declaration } from 'multi-agent-memory';
import type { Bound } from './governing';
import type { Labels, Who } from './reference';
import { type Happened, World } from './world';

/** Wrong models. Each is wrong about what a store shows, or about who may change its rules. */
export const brokenWorlds: Readonly<Record<string, typeof World>> = {
  'administer is enough to give anything': class extends World {
    override mayGovern(who: Who, declaration: Declaration): boolean {
      return this.reference.may(who, 'administer', 'at' in declaration ? declaration.at : []);
    }
  },
  'what may be read now could always be read': class extends World {
    override events(who: Who, bound: Bound): Happened[] {
      const now = (wanted: string) => this.memories.find(({ id }) => id === wanted)?.labels;
      return this.happened.filter(({ id, labels }) => this.sees(who, bound, now(id) ?? labels));
    }
  },
  'what could be read then may still be read': class extends World {
    override events(who: Who, bound: Bound): Happened[] {
      return this.happened.filter(({ labels }) => this.sees(who, bound, labels));
    }
  },
  'a link is shown whatever it leads to': class extends World {
    override shownLink(_: Who, __: Bound, id: string | undefined): string | undefined {
      return id;
    }
  },
  "a handle's scope bounds nothing": class extends World {
    override sees(who: Who, _: Bound, labels: Labels): boolean {
      return this.reference.mayRead(who, labels);
    }
  },
};
