import { kafkaHarness } from '../../triggers/kafka/harness.ts';
import { conformance } from './suite.ts';

conformance(kafkaHarness);
