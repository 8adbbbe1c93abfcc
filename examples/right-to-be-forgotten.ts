/**
 * A customer asks a shop to erase everything that it knows about her. The shop erases it, keeps a receipt outside the store, and proves with
 * it what was deleted. Later the disk fails, and a backup from before the erasure is restored: with the receipt, it brings nothing back.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allow, MemoryStore, verifyReceipt } from 'multi-agent-memory';

const parent = mkdtempSync(join(tmpdir(), 'right-to-be-forgotten-'));
const path = (name: string) => join(parent, name);

// The shop keeps the private key. A person who checks receipts needs only the public one.
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const options = { access: [allow('everyone', 'writer', ['shop'])], audit: { signingKey: privateKey } };

const store = await MemoryStore.open(path('memory'), options);
const orders = store.as({ agentId: 'orders' }, { namespace: ['shop'] });
const courier = store.as({ agentId: 'courier' }, { namespace: ['shop'] });
const userId = 'customer-4417';
await orders.remember('Ms Berg ordered a telescope for her observatory in Reykjavik.', { userId });
await courier.remember('The telescope goes to the back door, because of the dog.', { userId, tags: ['delivery'] });
await courier.remember('Mr Okafor, who lives next to the observatory, takes parcels for the neighbours.', {
  userId: 'customer-9',
});
await store.backup(path('backup'));
console.log('The agents know about her:');
for (const { text } of await orders.recall('observatory', { userId })) console.log(`- ${text}`);

// 1. What would go, and what does a person have to decide? Another memory mentions the observatory.
const plan = await store.erase({ userId }, { dryRun: true, mentions: ['observatory'] });
console.log(`\n${plan.about.length} memories would be erased. Others that mention the observatory:`);
for (const id of plan.mentions) console.log(`- ${(await store.admin.get(id))?.text}`);

// 2. Erase, and keep the receipt where the store is not.
const receipt = await store.erase({ userId }, { reason: 'Request 12' });
writeFileSync(path('receipt.json'), JSON.stringify(receipt));
const { scan } = receipt;
console.log(`\nErased. ${scan?.probes} pieces of what was erased were searched for in ${scan?.files} files.`);
console.log(`Found: ${scan?.found.length}. Complete: ${receipt.complete}.`);
console.log(`The agents know about her: ${(await orders.recall('observatory', { userId })).length} memories.`);
await store.close();

// 3. The data protection officer checks the receipt. She has neither the store nor its secret.
const kept = JSON.parse(readFileSync(path('receipt.json'), 'utf8'));
const { ok, complete } = verifyReceipt(kept, { publicKey });
console.log(`\nThe receipt is genuine: ${ok}; nothing is left to do: ${complete}.`);
const forged = verifyReceipt({ ...kept, ids: kept.ids.slice(1) }, { publicKey });
console.log(`A receipt that somebody has changed: ${forged.problems[0]}`);

// 4. Months later, the backup is restored. It is from before the erasure.
const restored = await MemoryStore.open(path('backup'), { ...options, erased: [kept] });
const left = await restored.admin.list({ userId });
console.log(
  `\nThe restored backup knows ${left.items.length} memories about her, and ${(await restored.stats()).memories} in all.`,
);
await restored.close();
rmSync(parent, { recursive: true });
