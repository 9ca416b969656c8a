import { en } from '../en/en';
export const nl = en;
