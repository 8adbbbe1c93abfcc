import { type MemoryStore, toContext } from 'multi-agent-memory';
import { printable, type Screen, wrap } from '../screen';
import { ask, type Claims } from './asking';
import { when } from './hits';
import { firmwarePromise } from './notes';
import { agentOf, type StoryClock } from './shop';

const dana = 'customer-4417';
const tomasz = 'customer-2093';
const gordon = 'customer-5120';

/** Friday evening: what happens to memories when the world changes, when a customer asks to be forgotten, and at a border. */
export async function friday(screen: Screen, store: MemoryStore, clock: StoryClock, claims: Claims): Promise<void> {
  clock.at = Date.parse('2025-03-07T19:00:00+01:00');
  const scene = { screen, store, claims };
  await changedMind(scene);
  await keptPromise(scene);
  await otherCustomer(scene);
  await forgotten(scene);
  await prompt(scene);
}

interface Scene {
  screen: Screen;
  store: MemoryStore;
  claims: Claims;
}

const payBack = 'How does this customer want to be paid back?';

async function changedMind({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'A customer changed her mind: the new wish supersedes the old one');
  const agent = agentOf(store, 'returns');
  const asking = { agentId: 'returns', agent, question: payBack, from: 'billing' };
  const options = { userId: dana, filter: { kind: 'semantic' } };
  const now = await ask(screen, claims, { ...asking, options, expect: /bank account ending 3340/ });
  claims.check(!now.some(({ text }) => /to the card ending 0921/.test(text)), 'The old wish is not recalled any more.');
  const asOf = '2025-03-05T12:00:00+01:00';
  const then = await ask(screen, claims, {
    ...asking,
    options: { ...options, asOf },
    expect: /to the card ending 0921/,
  });
  claims.check(
    !then.some(({ text }) => text.includes('3340')),
    `As of ${when(new Date(asOf))} it gives what was true then, and nothing that came later.`,
  );
}

async function keptPromise({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'A promise is kept: the same key is a new revision');
  const agent = agentOf(store, 'technical-support');
  const { id, revision, outcome } = await agent.remember(
    'The promised link to firmware 2.2.0 was sent on Friday 7 March, 16:20.',
    {
      userId: tomasz,
      key: firmwarePromise,
      kind: 'semantic',
      priority: 0.9,
      tags: ['promise'],
    },
  );
  screen.print();
  for (const change of await agent.history(id)) {
    screen.print(`    ${screen.style('dim', `revision ${change.revision}  ${when(change.at)}`)}`);
    screen.print(`       ${printable(change.memory?.text ?? '')}`);
  }
  claims.check(outcome === 'revised' && revision === 2, `Key ${firmwarePromise} is at revision 2.`);
}

async function otherCustomer({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'A question about one customer never returns another');
  const agent = agentOf(store, 'billing');
  const hits = await agent.recall('Which card gets the refund for order A-1182, and what did Dana say?', {
    userId: tomasz,
    topK: 100,
  });
  screen.print();
  screen.print(`  billing asks for Dana's refund, in the scope of ${tomasz}: ${hits.length} hits`);
  claims.check(hits.length > 0 && hits.every(({ userId }) => userId === tomasz), `All of them are about ${tomasz}.`);
  const shared = await agent.count({ userId: dana });
  claims.check(shared > 80, `In the scope of ${dana} the same agent sees ${shared} memories.`);
}

async function forgotten({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'A customer asks to forget: the code of the key safe');
  const agent = agentOf(store, 'returns');
  const asking = { agentId: 'returns', agent, question: 'key safe by the door, code', from: 'returns' };
  const hits = await ask(screen, claims, { ...asking, options: { userId: gordon }, expect: /the code is 2741/ });
  for (const { id } of hits.filter(({ text }) => text.includes('2741'))) {
    const gone = (await agent.forget(id)) && (await agent.get(id)) === undefined;
    claims.check(gone, 'Forgotten, by id too.');
  }
  const rest = await agent.recall('code 2741', { userId: gordon, topK: 100 });
  claims.check(!rest.some(({ text }) => text.includes('2741')), `Of ${rest.length} other hits, none holds the code.`);
}

async function prompt({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'What goes into the prompt of billing, in at most 300 tokens');
  const agent = agentOf(store, 'billing');
  const hits = await agent.recall(payBack, { userId: dana, topK: 20 });
  const { text, used, omitted, tokens } = toContext(hits, { maxTokens: 300 });
  screen.print();
  for (const line of text.split('\n')) {
    for (const [index, part] of wrap(line, screen.width - 6).entries()) {
      screen.print(`    ${screen.style('dim', `${index === 0 ? '' : '  '}${part}`)}`);
    }
  }
  screen.print();
  claims.check(text.includes('3340') && tokens <= 300, `${used.length} hits in ${tokens} tokens, ${omitted} left out.`);
}

function title(screen: Screen, text: string): void {
  screen.print();
  screen.print(`  ${screen.style('yellow', text)}`);
}
