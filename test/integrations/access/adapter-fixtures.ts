/** The metadata that makes a memory a message of a LangChain history. */
export const messageMetadata = {
  langchainMessage: { type: 'human', data: { additional_kwargs: {}, response_metadata: {} } },
  langchainOrder: [0, 0],
};
/** The session of every memory. */
export const sessionId = 's';
/** A query that matches every memory. */
export const query = 'note';
/** A limit above the number of memories. */
export const unlimited = { topK: 1_000, distinct: false } as const;

/** The fields of a memory that every adapter reads as one of its own. */
export function adapterMemory(number: number) {
  return {
    text: `note number ${number}.`,
    key: `langgraph:${number}`,
    sessionId,
    metadata: {
      number,
      odd: number % 2 === 1,
      ...messageMetadata,
      langchainOrder: [number, 0],
    },
  };
}

/** The numbers of the memories that a text contains. */
export function numbersIn(text: string): number[] {
  return [...text.matchAll(/note number (\d+)\./g)].map(([, number]) => Number(number));
}
