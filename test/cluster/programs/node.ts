/** A node of a cluster: opens its folder and does what it is asked, line by line, until it is killed or closed. */
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { allow, MemoryError, MemoryStore } from 'multi-agent-memory';
import { say, task } from '../../faults/programs/said';
import type { NodeCall, NodeMessage, NodeRequest, NodeTask } from '../node-messages';

const { folder, cluster, localAddress } = task<NodeTask>();
const { connect } = Socket.prototype;
Socket.prototype.connect = function (this: Socket, options: unknown, ...rest: unknown[]) {
  // Node itself passes what it has normalised: a list that begins with the options.
  if (Array.isArray(options)) Object.assign(options[0], { localAddress });
  return Reflect.apply(connect, this, [options, ...rest]) as Socket;
} as typeof connect;
const report = (message: NodeMessage) => say(message);
const place = { namespace: ['cluster'] };

function faultOf(error: unknown) {
  return { code: MemoryError.is(error) ? error.code : undefined, message: String(error) };
}

const store = await MemoryStore.open(folder, { cluster, access: [allow('everyone', 'curator', [])] }).catch((error) => {
  report({ say: 'refused', ...faultOf(error) });
  process.exit(1);
});

async function run(call: NodeCall): Promise<unknown> {
  switch (call.op) {
    case 'remember': {
      const { id } = await store.admin.remember(call.text, { ...place, idempotencyKey: call.idempotencyKey });
      return id;
    }
    case 'forget':
      return store.admin.forget(call.id);
    case 'texts': {
      const texts: string[] = [];
      for await (const { text } of store.admin.list({ ...place, consistency: 'linearizable' })) texts.push(text);
      return texts.sort();
    }
    case 'status':
      return store.cluster.status();
    case 'transfer':
      await store.cluster.transfer();
      return null;
    case 'remove':
      await store.cluster.remove(call.id);
      return null;
    case 'close':
      await store.close();
      return null;
  }
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { n, call } = JSON.parse(line) as NodeRequest;
  run(call).then(
    (value) => {
      report({ say: 'answer', n, value });
      if (call.op === 'close') process.stdin.destroy();
    },
    (error) => report({ say: 'error', n, ...faultOf(error) }),
  );
});
report({ say: 'open' });
