import { type MemoryStore, toContext } from 'multi-agent-memory';
import { printable, type Screen, wrap } from '../screen';
import { firmwarePromise } from './agent-notes';
import { ask, type Claims } from './claims';
import { shopTimeOf } from './hit-lines';
import { agentOf, type StoryClock } from './shop';

const dana = 'customer-4417';
const tomasz = 'customer-2093';
const gordon = 'customer-5120';

/** Friday evening: facts that change, a question about the wrong customer, a deleted memory, and a prompt. */
export async function playFridayEvening(
  screen: Screen,
  store: MemoryStore,
  clock: StoryClock,
  claims: Claims,
): Promise<void> {
  clock.at = Date.parse('2025-03-07T19:00:00+01:00');
  const scene = { screen, store, claims };
  await supersedeFact(scene);
  await reviseByKey(scene);
  await searchOtherCustomer(scene);
  await forgetCode(scene);
  await buildPrompt(scene);
}

interface Scene {
  screen: Screen;
  store: MemoryStore;
  claims: Claims;
}

const payBack = 'How does this customer want to be paid back?';

async function supersedeFact({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'A customer changes her mind: the new memory supersedes the old one');
  const agent = agentOf(store, 'returns');
  const asking = { agentId: 'returns', agent, question: payBack, from: 'billing' };
  const options = { userId: dana, filter: { kind: 'semantic' } };
  const now = await ask(screen, claims, { ...asking, options, expect: /bank account ending 3340/ });
  claims.check(!now.some(({ text }) => /to the card ending 0921/.test(text)), 'The old memory is no longer recalled.');
  const asOf = '2025-03-05T12:00:00+01:00';
  const then = await ask(screen, claims, {
    ...asking,
    options: { ...options, asOf },
    expect: /to the card ending 0921/,
  });
  claims.check(
    !then.some(({ text }) => text.includes('3340')),
    `As of ${shopTimeOf(new Date(asOf))} recall returns what was true then, and nothing later.`,
  );
}

async function reviseByKey({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'A promise is kept: writing the same key makes a new revision');
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
    screen.print(`    ${screen.style('dim', `revision ${change.revision}  ${shopTimeOf(change.at)}`)}`);
    screen.print(`       ${printable(change.memory?.text ?? '')}`);
  }
  claims.check(outcome === 'revised' && revision === 2, `The memory with the key ${firmwarePromise} has revision 2.`);
}

async function searchOtherCustomer({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'A search about one customer never returns another customer');
  const agent = agentOf(store, 'billing');
  const hits = await agent.recall('Which card gets the refund for order A-1182, and what did Dana say?', {
    userId: tomasz,
    topK: 100,
  });
  screen.print();
  screen.print(`  billing searches for Dana's refund in the scope of ${tomasz}: ${hits.length} hits`);
  claims.check(hits.length > 0 && hits.every(({ userId }) => userId === tomasz), `All of them are about ${tomasz}.`);
  const shared = await agent.count({ userId: dana });
  claims.check(shared > 80, `In the scope of ${dana} the same agent can read ${shared} memories.`);
}

async function forgetCode({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'A customer asks to delete the code of his key safe');
  const agent = agentOf(store, 'returns');
  const asking = { agentId: 'returns', agent, question: 'key safe by the door, code', from: 'returns' };
  const hits = await ask(screen, claims, { ...asking, options: { userId: gordon }, expect: /the code is 2741/ });
  for (const { id } of hits.filter(({ text }) => text.includes('2741'))) {
    const gone = (await agent.forget(id)) && (await agent.get(id)) === undefined;
    claims.check(gone, 'The memory is gone, also by its id.');
  }
  const rest = await agent.recall('code 2741', { userId: gordon, topK: 100 });
  claims.check(
    !rest.some(({ text }) => text.includes('2741')),
    `None of the ${rest.length} other hits contains the code.`,
  );
}

async function buildPrompt({ screen, store, claims }: Scene): Promise<void> {
  title(screen, 'The memories for a prompt of billing, in at most 300 tokens');
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
  claims.check(
    text.includes('3340') && tokens <= 300,
    `${used.length} hits in ${tokens} tokens; ${omitted} hits did not fit.`,
  );
}

function title(screen: Screen, text: string): void {
  screen.print();
  screen.print(`  ${screen.style('yellow', text)}`);
}
