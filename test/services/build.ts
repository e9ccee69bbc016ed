import { helmBinary } from './helm/helm.ts';
import { kafkaHome } from './kafka.ts';
import { kubeBinaries } from './kube-apiserver/binaries.ts';
import { kubectlBinary } from './kubectl/kubectl.ts';
import { kubelessBinary } from './kubeless/kubeless.ts';
import { natsServer } from './nats.ts';
import { nginxBinary } from './nginx/nginx.ts';
import { uvicornPath } from './uvicorn/uvicorn.ts';

/*
 * Builds what the tests run against, where it is not in the cache: a compiler takes minutes, and no time limit of a test
 * should be about that. One after the other, because each uses all processors.
 */

const services = {
  kafka: kafkaHome,
  'nats-server': natsServer,
  kubectl: kubectlBinary,
  'kube-apiserver': kubeBinaries,
  helm: helmBinary,
  kubeless: kubelessBinary,
  uvicorn: uvicornPath,
  nginx: nginxBinary,
};

for (const [name, build] of Object.entries(services)) {
  const start = performance.now();
  await build();
  const seconds = (performance.now() - start) / 1000;
  if (seconds > 1) console.log(`${name}: built in ${seconds.toFixed(0)} s`);
}
