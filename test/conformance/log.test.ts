import { logHarness } from '../../triggers/log/harness.ts';
import { conformance } from './suite.ts';

conformance(logHarness);
