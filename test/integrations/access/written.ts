/** What makes a memory a message of a LangChain history. */
export const message = {
  langchainMessage: { type: 'human', data: { additional_kwargs: {}, response_metadata: {} } },
  langchainOrder: [0, 0],
};
/** The session of every memory. */
export const session = 's';
/** What every memory is found by. */
export const query = 'note';
/** More than there is. */
export const everything = { topK: 1_000 };

/** What a memory is written with so that each adapter takes it for one of its own. */
export function written(number: number) {
  return {
    text: `note number ${number}.`,
    key: `langgraph:${number}`,
    sessionId: session,
    metadata: {
      number,
      odd: number % 2 === 1,
      ...message,
      langchainOrder: [number, 0],
    },
  };
}

/** The numbers of the memories whose text is shown. */
export function numbersIn(text: string): number[] {
  return [...text.matchAll(/note number (\d+)\./g)].map(([, number]) => Number(number));
}
