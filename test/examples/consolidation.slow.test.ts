import { expect, test } from 'vitest';
import { runExample } from './run-example';

const agreed = [
  '  What was agreed for order 4042? Hit 1: "The refund of 47 euros for order 4042 is paid within 10 days."',
  '  What was agreed for order 4161? Hit 1: "A courier from Bremen picks up order 4161 on 26 April."',
  '  What was agreed for order 4273? Hit 1: "A courier from Turin picks up order 4273 on 23 April."',
] as const;

test('a month of conversations becomes short facts, which keep most answers and lead back to the messages', async () => {
  const { code, stdout, stderr } = await runExample('consolidation.ts');
  expect(stderr).toBe('');
  expect(stdout.split('\n')).toEqual([
    'The desk has stored each message of March:',
    '  ordinary reads see 1260 memories, 85752 bytes',
    '  179 of 180 answers are in the first 600 bytes of the hits',
    '  What was agreed for order 4042? Hit 2: "The refund of 47 euros for order 4042 is paid within 10 days."',
    '  What was wrong with the rain jacket of order 4042? Hit 3: "arrived with a cracked lid"',
    '  What was agreed for order 4161? Hit 2: "A courier from Bremen picks up order 4161 on 26 April."',
    '  What was wrong with the rain jacket of order 4161? Hit 2: "arrived with no manual"',
    '  What was agreed for order 4273? Hit 2: "A courier from Turin picks up order 4273 on 23 April."',
    '  What was wrong with the garden hose of order 4273? Hit 2: "arrived with a bent frame"',
    'A dry run shows what consolidation would do, and stores nothing:',
    '  90 conversations would become 180 facts',
    '  85752 bytes would become 33575',
    '  ordinary reads see 1260 memories, 85752 bytes',
    'The desk consolidates:',
    '  1260 messages became 180 facts, 85752 bytes became 33575',
    '  ordinary reads see 180 memories, 33575 bytes',
    '  166 of 180 answers are in the first 600 bytes of the hits',
    agreed[0],
    '  What was wrong with the rain jacket of order 4042? Hit 1: "arrived with a cracked lid"',
    agreed[1],
    '  What was wrong with the rain jacket of order 4161? Hit 1: "arrived with no manual"',
    agreed[2],
    '  What was wrong with the garden hose of order 4273? Hit 1: "arrived with a bent frame"',
    'A fact leads back to the messages that it quotes. What was wrong with the rain jacket of order 4161?',
    '  | Support: Of course.',
    '  | Mr Novak: It is order 4161, the rain jacket. I have been a customer for a long time, and this is the first time that something went wrong.',
    '  | Support: I can see it here now.',
    '  | Mr Novak: The rain jacket arrived with no manual.',
    '  | Support: I am very sorry to hear that.',
    '  consolidated: Support: Of course. Could you please give me the number of the order?',
    '  consolidated: Mr Novak: Yes, one moment. It is order 4161, the rain jacket.',
    '  consolidated: Mr Novak: I have been a customer for a long time, and this is the first time that something went wrong.',
    '  consolidated: Support: Thank you for waiting. I can see it here now. What went wrong with it?',
    '  consolidated: Mr Novak: The rain jacket arrived with no manual.',
    '  consolidated: Support: I am very sorry to hear that. We will find a solution for you.',
    'The desk undoes this fact, and its messages are active again, with those that no fact quotes:',
    '  facts forgotten: 1, messages active again: 12',
    '  the fact is gone',
    '  ordinary reads see 191 memories, 34127 bytes',
    '',
  ]);
  expect(code).toBe(0);
});
