import { allow, type Declaration, type Memory } from 'multi-agent-memory';

/** The offers: what a worker's tool returns for a supplier. */
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

/** Every worker may claim tasks on the board and add findings. */
export const rules: Declaration[] = [allow('everyone', 'curator', ['purchase'])];

/** The metadata of a task on the board. */
export interface Task extends Record<string, string> {
  supplier: string;
  state: 'open' | 'claimed' | 'done';
  by: string;
}

/** What a worker reports to the program that started it. */
export type Report =
  | { event: 'claimed' | 'lost' | 'done'; supplier: string; by: string }
  | { event: 'finished'; by: string; found: number };

export const stateOf = ({ metadata }: Memory<Task>) => metadata.state;
