import { coreClusterHarness } from '../../triggers/nats/harness.ts';
import { conformance } from './suite.ts';

conformance(coreClusterHarness);
