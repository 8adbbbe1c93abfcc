import { allow, type Declaration, type Memory } from 'multi-agent-memory';

/** Offers as they lie in the mail: what a worker's tool finds when it looks at one. */
export const offers: Readonly<Record<string, { price: number; weeks: number }>> = {
  Alder: { price: 12.4, weeks: 3 },
  Birch: { price: 11.9, weeks: 9 },
  Cedar: { price: 13.1, weeks: 2 },
  Dorset: { price: 10.75, weeks: 4 },
  Elm: { price: 12.0, weeks: 6 },
  Fenwick: { price: 15.2, weeks: 1 },
  Garth: { price: 11.2, weeks: 5 },
  Hollin: { price: 14.0, weeks: 3 },
};

export const board = ['purchase', 'board'];
export const findings = ['purchase', 'findings'];

/** Whoever works on the purchase may take tasks from the board and put findings beside those of the others. */
export const rules: Declaration[] = [allow('everyone', 'curator', ['purchase'])];

/** What a task on the board carries. */
export interface Task extends Record<string, string> {
  supplier: string;
  state: 'open' | 'claimed' | 'done';
  by: string;
}

/** What a worker tells the program that started it. */
export type Report =
  | { say: 'claimed' | 'done'; supplier: string; by: string }
  | { say: 'beaten'; supplier: string; by: string }
  | { say: 'finished'; by: string; seen: number };

export const stateOf = ({ metadata }: Memory<Task>) => metadata.state;
