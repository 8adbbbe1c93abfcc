import type { Action, Rule, Subject } from 'multi-agent-memory';
import { type Half, halfOf, type Labels, Reference, type Who } from './reference';

type Namespace = readonly string[];
const idOf = (half: Half) => Object.values(halfOf(half)).join();

/** Wrong evaluators. Each misunderstands one sentence of the specification. The comparison with Cedar must detect all of them. */
export const brokenReferences: Readonly<Record<string, typeof Reference>> = {
  'a deny is nothing': class extends Reference {
    override denies(): Rule[] {
      return [];
    }
  },
  'a deny binds where it stands, and not below': class extends Reference {
    override denies(half: Half, action: Action, namespace: Namespace): Rule[] {
      return super.denies(half, action, namespace).filter(({ at }) => at.length === namespace.length);
    }
  },
  'the nearest rule decides, and not the deny above it': class extends Reference {
    override denies(half: Half, action: Action, namespace: Namespace): Rule[] {
      const nearest = Math.max(-1, ...this.allows(half, action, namespace).map(({ at }) => at.length));
      return super.denies(half, action, namespace).filter(({ at }) => at.length >= nearest);
    }
  },
  'whom a pair acts for does not matter': class extends Reference {
    override halves(who: Exclude<Who, 'root'>): Half[] {
      return super.halves(who).slice(0, 1);
    }
  },
  'who acts for somebody has their rights alone': class extends Reference {
    override halves(who: Exclude<Who, 'root'>): Half[] {
      return super.halves(who).slice(-1);
    }
  },
  'a pair may do what either half may': class extends Reference {
    override may(who: Who, action: Action, namespace: Namespace): boolean {
      return who === 'root' || this.halves(who).some((half) => this.mayHalf(half, action, namespace));
    }
  },
  'namespaces are compared as joined strings': class extends Reference {
    override holds(at: Namespace, namespace: Namespace): boolean {
      return namespace.join('/').startsWith(at.join('/'));
    }
  },
  'a label is compared by its beginning': class extends Reference {
    override holds(at: Namespace, namespace: Namespace): boolean {
      return at.length <= namespace.length && at.every((label, i) => namespace[i]?.startsWith(label));
    }
  },
  'a rule holds at its namespace alone': class extends Reference {
    override holds(at: Namespace, namespace: Namespace): boolean {
      return at.length === namespace.length && super.holds(at, namespace);
    }
  },
  'the kinds of principals are one': class extends Reference {
    override isOf(to: Subject, half: Half): boolean {
      return super.isOf(to, half) || (to !== 'everyone' && !('group' in to) && idOf(to) === idOf(half));
    }
  },
  'the group called everyone is everyone': class extends Reference {
    override isOf(to: Subject, half: Half): boolean {
      return super.isOf(to, half) || (to !== 'everyone' && 'group' in to && to.group === 'everyone');
    }
  },
  'a group is nobody': class extends Reference {
    override isOf(to: Subject, half: Half): boolean {
      return (to === 'everyone' || !('group' in to)) && super.isOf(to, half);
    }
  },
  'everyone is nobody': class extends Reference {
    override isOf(to: Subject, half: Half): boolean {
      return to !== 'everyone' && super.isOf(to, half);
    }
  },
  'a writer corrects what others wrote': class extends Reference {
    override actionsOf(actions: Rule['actions']): readonly Action[] {
      return actions === 'writer' ? ['read', 'write', 'update'] : super.actionsOf(actions);
    }
  },
  'only built-in roles mean anything': class extends Reference {
    override actionsOf(actions: Rule['actions']): readonly Action[] {
      return actions === 'ann' || actions === 'keeper' ? [] : super.actionsOf(actions);
    }
  },
  'access tags hide nothing': class extends Reference {
    override cleared(): boolean {
      return true;
    }
  },
  'one access tag of several is enough': class extends Reference {
    override cleared(who: Who, accessTags: Namespace, namespace: Namespace): boolean {
      return accessTags.length === 0 || accessTags.some((tag) => super.cleared(who, [tag], namespace));
    }
  },
  'the clearance of one half is enough': class extends Reference {
    override cleared(who: Who, accessTags: Namespace, namespace: Namespace): boolean {
      if (who === 'root') return true;
      return this.halves(who).some((half) =>
        accessTags.every((tag) => this.clearances(half, tag, namespace).length > 0),
      );
    }
  },
  'a clearance lets one read': class extends Reference {
    override mayRead(who: Who, labels: Labels): boolean {
      const isCleared = labels.accessTags.length > 0 && this.cleared(who, labels.accessTags, labels.namespace);
      return super.mayRead(who, labels) || (isCleared && labels.visibility === 'shared');
    }
  },
  'what is private is shared': class extends Reference {
    override mayRead(who: Who, labels: Labels): boolean {
      return super.mayRead(who, { ...labels, visibility: 'shared' });
    }
  },
  'an author may always read its own': class extends Reference {
    override mayRead(who: Who, labels: Labels): boolean {
      return super.mayRead(who, labels) || this.isAuthor(who, labels.author);
    }
  },
  'a pair and its agent are one author': class extends Reference {
    override isAuthor(who: Who, author: Who): boolean {
      if (who === 'root' || author === 'root') return who === author;
      return JSON.stringify(halfOf(who)) === JSON.stringify(halfOf(author));
    }
  },
  'nothing is its own': class extends Reference {
    override mayChangeOwn(): boolean {
      return false;
    }
  },
  'a deny of update leaves its own': class extends Reference {
    override mayChangeOwn(who: Who, _: Action, { namespace, author }: Labels): boolean {
      return this.isAuthor(who, author) && this.may(who, 'write', namespace);
    }
  },
  'its own needs no write any more': class extends Reference {
    override mayChangeOwn(who: Who, action: 'update' | 'forget', { namespace, author }: Labels): boolean {
      return this.isAuthor(who, author) && !this.denied(who, action, namespace);
    }
  },
  'what cannot be read can be changed': class extends Reference {
    override mayChange(who: Who, action: 'update' | 'forget', labels: Labels): boolean {
      return this.may(who, action, labels.namespace) || this.mayChangeOwn(who, action, labels);
    }
  },
  'anybody puts on any access tag': class extends Reference {
    override mayRemember(who: Who, labels: Labels, key: string | undefined): boolean {
      return super.mayRemember(who, { ...labels, accessTags: [] }, key);
    }
  },
  'a key needs no read': class extends Reference {
    override mayRemember(who: Who, labels: Labels): boolean {
      return super.mayRemember(who, labels, undefined);
    }
  },
};

/** Wrong evaluators of commands. Cedar is not asked about commands, so the comparison with the store must detect these. */
export const brokenAboutCommands: Readonly<Record<string, typeof Reference>> = {
  'sharing needs nothing where it goes': class extends Reference {
    override mayShare(who: Who, from: Labels): boolean {
      return this.mayRead(who, from) && this.may(who, 'share', from.namespace);
    }
  },
  'sharing needs no share': class extends Reference {
    override mayShare(who: Who, from: Labels, to: Labels, _: boolean, key: string | undefined): boolean {
      return this.mayRead(who, from) && this.mayRemember(who, to, key);
    }
  },
  'anybody makes a memory private': class extends Reference {
    override mayShare(who: Who, from: Labels, to: Labels, _: boolean, key: string | undefined): boolean {
      return super.mayShare(who, from, to, false, key);
    }
  },
};
