export { BLOCK, heapBase } from './constants';
export { scan, scanSum, findNotLogit, indexOfMax, maskBelow } from './scan';
export { decodeBfloat16, decodeFloat16, decodeFloat64 } from './decode';
export { sumBelow, sumExp, sumExpWeighted, weightedSum } from './sum';
export { expInto64 } from './exp64';
export { collect, countAtLeast, thresholdForCount } from './select';
export { moments, momentCount, momentMean, momentSquares } from './moments';
export { exp, log, pow } from './scalar';
export { philox } from './philox';
export {
  expectsElement, narrow, parseNumbers, parsedTo, pendingComma, stopReason, tokenEnd,
  STOP_FULL, STOP_HARD, STOP_MALFORMED, STOP_NEEDS_MORE, STOP_OTHER,
} from './numbers';
