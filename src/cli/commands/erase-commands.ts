import { readFile } from 'node:fs/promises';
import { defined } from '../../domain/defined';
import type { ErasureReceipt, ErasureTarget } from '../../index';
import type { Command } from '../cli-command';
import type { CommandLine } from '../command-line';
import { readStore, signingKeyOptions, trustOptions, writeStore } from '../command-store';
import { progressPrinter } from '../output';
import { selectionOf, selectionOptions } from '../selection-options';
import { exitCodes } from '../terminal';

const { 'about-user': aboutUser, namespace } = selectionOptions;

/** `erase`: erases a user, a namespace or some memories, and prints the receipt. */
export const eraseCommand: Command = {
  summary: 'Erases a user, a namespace or some memories down to random ids, and prints a receipt.',
  usage: 'FOLDER [ID...]',
  argumentCount: [1, 10_000],
  options: {
    'about-user': aboutUser,
    namespace,
    reason: {
      valueName: 'TEXT',
      help: 'kept with the receipt, such as the number of a request; it must not name the subject',
    },
    mention: {
      valueName: 'WORD',
      repeatable: true,
      help: 'list other memories that contain this word, for a person to decide about them',
    },
    'keep-authored': { help: 'keep what the user has written about others' },
    'dry-run': { help: 'print what would be erased, and change nothing' },
    yes: { help: 'erase; without it, nothing is changed, as with --dry-run' },
    ...signingKeyOptions,
    ...trustOptions,
  },
  examples: [
    ['erase ./memory --about-user=customer-4417 --mention=Zanzibar', 'what would be erased?'],
    [
      'erase ./memory --about-user=customer-4417 --reason=request-12 --yes > receipt.json',
      'erase, and keep the receipt',
    ],
  ],
  usageProblems: (line) => {
    const targets = [line.args.length > 1, line.isGiven('about-user'), line.isGiven('namespace')].filter(Boolean);
    if (targets.length !== 1) return ['Give either --about-user, --namespace or ids.'];
    return line.flag('yes') && line.flag('dry-run') ? ['Give only one of --yes and --dry-run.'] : [];
  },
  run: async (line, terminal) => {
    const { signal, print, printError } = terminal;
    const mentions = line.texts('mention');
    const options = {
      keepAuthored: line.flag('keep-authored'),
      ...(mentions.length === 0 ? {} : { mentions }),
      signal,
    };
    if (!line.flag('yes')) {
      return writeStore(line, terminal, async (store) => {
        await print(JSON.stringify(await store.erase(targetOf(line), { ...options, dryRun: true })));
        if (!line.flag('dry-run')) printError('Nothing was erased. Add --yes to erase these memories.');
        return exitCodes.success;
      });
    }
    return writeStore(line, terminal, async (store) => {
      const reason = line.text('reason');
      const onProgress = progressPrinter(terminal);
      const receipt = await store.erase(targetOf(line), { ...options, onProgress, ...defined({ reason }) });
      await print(JSON.stringify(receipt));
      return receipt.complete ? exitCodes.success : exitCodes.failure;
    });
  },
};

function targetOf(line: CommandLine): ErasureTarget {
  const { userId, namespace: path } = selectionOf(line);
  if (userId !== undefined) return { userId };
  return path === undefined ? { ids: line.args.slice(1) } : { namespace: path };
}

/** `receipts`: prints the receipts of all erasures. */
export const receiptsCommand: Command = {
  summary: 'Prints the latest receipt of each erasure as JSON Lines.',
  usage: 'FOLDER',
  argumentCount: [1, 1],
  options: trustOptions,
  examples: [['receipts ./memory > receipts.jsonl', 'keep this file as long as backups of the store']],
  run: (line, terminal) =>
    readStore(line, terminal, async (store) => {
      const { print, signal } = terminal;
      for (const receipt of await store.receipts({ signal })) await print(JSON.stringify(receipt));
      return exitCodes.success;
    }),
};

/** `verify-receipt`: checks receipts without their store. */
export const verifyReceiptCommand: Command = {
  summary: 'Checks receipts of erasures with the public key of the store that made them.',
  usage: 'FILE',
  argumentCount: [1, 1],
  options: {
    'public-key': { valueName: 'FILE', help: 'the Ed25519 public key, in PEM format' },
  },
  examples: [
    [
      'verify-receipt receipts.jsonl --public-key=audit.pub',
      'exit code 1 if a receipt has a problem; the output says which',
    ],
  ],
  usageProblems: (line) => (line.isGiven('public-key') ? [] : ['Give the public key with --public-key=FILE.']),
  run: async (line, { print }) => {
    const { verifyReceipt } = await import('../../index');
    const publicKey = await readFile(line.path('public-key') as string, 'utf8');
    let isWhole = true;
    for (const receipt of await receiptsIn(line.file(0))) {
      const verification = verifyReceipt(receipt, { publicKey });
      isWhole &&= verification.ok;
      await print(JSON.stringify({ id: Object(receipt).id, ...verification }));
    }
    return isWhole ? exitCodes.success : exitCodes.failure;
  },
};

/** Reads a file with one receipt a line. A line that is not JSON is read as no receipt, so that its check says so. */
export async function receiptsIn(path: string): Promise<ErasureReceipt[]> {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line.trim() !== '');
  return lines.map((line) => {
    try {
      return JSON.parse(line);
    } catch {
      return line;
    }
  });
}
