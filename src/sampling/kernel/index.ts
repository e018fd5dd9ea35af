/** e to the power x. */
export const exp = Math.exp

/** The natural logarithm of x. */
export const log = Math.log
