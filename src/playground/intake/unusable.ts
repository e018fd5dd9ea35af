/** Input that cannot be used. The message is for the user: one sentence that names the place and says what to do. */
export class Unusable extends Error {}

/** The longest name of a file in a message. */
const LONGEST_NAME = 24

export function shortName(name: string): string {
  return name.length <= LONGEST_NAME ? name : `${name.slice(0, LONGEST_NAME - 1)}…`
}
