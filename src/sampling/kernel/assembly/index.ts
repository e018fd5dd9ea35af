export { BLOCK, heapBase } from './constants';
export { scan, indexOfMax, maskBelow } from './scan';
export { sumBelow, sumExp, sumExpWeighted, weightedSum } from './sum';
export { expInto64 } from './exp64';
export { collect, countAtLeast, thresholdForCount } from './select';
export { moments, momentCount, momentMean, momentSquares } from './moments';
export { exp, log, pow } from './scalar';
export { philox } from './philox';
