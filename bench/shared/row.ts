/** One line of the result. Fields that do not apply are null. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The figure to compare with, from the same run and in the same unit: of another library, or of this one in another situation. */
  readonly baseline: number | null;
  /** value / baseline */
  readonly ratio: number | null;
  /** recall@10, from 0 to 1. */
  readonly recall: number | null;
  readonly goal: string | null;
  readonly met: boolean | null;
}

/** Bounds that must all hold. */
export interface Goal {
  readonly atMost?: number;
  readonly atLeast?: number;
  readonly ratioAtMost?: number;
  readonly ratioAtLeast?: number;
  readonly recallAtLeast?: number;
}

interface Measured {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly baseline?: number;
  readonly recall?: number;
  readonly goal?: Goal;
}

/** Makes a row: computes the ratio and whether the goal is met. */
export function row({ name, value, unit, baseline, recall, goal }: Measured): Row {
  const ratio = baseline === undefined ? undefined : value / baseline;
  const bounds = goal === undefined ? [] : boundsOf(goal, { value, ratio, recall });
  return {
    name,
    value,
    unit,
    baseline: baseline ?? null,
    ratio: ratio ?? null,
    recall: recall ?? null,
    goal: bounds.length === 0 ? null : bounds.map(({ text }) => text).join(', '),
    met: bounds.length === 0 ? null : bounds.every(({ met }) => met),
  };
}

interface Figures {
  readonly value: number;
  readonly ratio: number | undefined;
  readonly recall: number | undefined;
}

function boundsOf(goal: Goal, { value, ratio, recall }: Figures): { text: string; met: boolean }[] {
  return [
    ...atMost(value, goal.atMost, ''),
    ...atLeast(value, goal.atLeast, ''),
    ...atMost(ratio, goal.ratioAtMost, ' x'),
    ...atLeast(ratio, goal.ratioAtLeast, ' x'),
    ...atLeast(recall, goal.recallAtLeast, ' recall'),
  ];
}

function atMost(figure: number | undefined, limit: number | undefined, of: string) {
  if (limit === undefined) return [];
  return [{ text: `<= ${limit.toLocaleString('en-US')}${of}`, met: figure !== undefined && figure <= limit }];
}

function atLeast(figure: number | undefined, limit: number | undefined, of: string) {
  if (limit === undefined) return [];
  return [{ text: `>= ${limit.toLocaleString('en-US')}${of}`, met: figure !== undefined && figure >= limit }];
}
