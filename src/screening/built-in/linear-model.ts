import { buckets, ngrams, normalized } from './features';
import { matchedRules, rules } from './rules';

/** Weights of a logistic regression over n-grams and rules. Each n-gram that occurs counts once, scaled by the square root of their number. */
export interface LinearModel {
  /** The weights of the n-grams, in units of `scale`. */
  readonly ngrams: Int8Array;
  readonly scale: number;
  readonly rules: Float32Array;
  readonly bias: number;
}

/** The logit of a sentence, with the rules that it matches. */
export function judge(model: LinearModel, sentence: string): { logit: number; matched: number[] } {
  const text = normalized(sentence);
  const found = ngrams(text);
  let [sum, count] = [0, 0];
  turn = turn === 255 ? 1 : turn + 1;
  if (turn === 1) seen.fill(0);
  for (const bucket of found) {
    if (seen[bucket] === turn) continue;
    seen[bucket] = turn;
    sum += model.ngrams[bucket]!;
    count++;
  }
  const matched = matchedRules(text);
  const byRules = matched.reduce((total, rule) => total + model.rules[rule]!, 0);
  return { logit: model.bias + (sum * model.scale) / Math.sqrt(count || 1) + byRules, matched };
}

/** The number of the sentence in which a bucket was seen last. A set for each sentence would cost more than the model. */
const seen = new Uint8Array(buckets);
let turn = 0;

/** The name of a rule as a reason. */
export function reasonOf(rule: number): string {
  return rules[rule]!.name;
}
