import { z } from 'zod';
import type { Counts } from '../../domain/ledger.ts';
import { storedCounts } from '../../domain/stored-counts.ts';

/** Counts from the JSON that is stored. */
export const parseCounts = (json: string): Counts => storedCounts.parse(JSON.parse(json));

export const parseNames = (json: string): string[] => z.array(z.string()).parse(JSON.parse(json));
