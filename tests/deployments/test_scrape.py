"""One Prometheus text for the whole application."""

import asyncio
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from prometheus_client.parser import text_string_to_metric_families

from deployments.scrape import Scrape, merge

ONE = """\
# HELP ray_devmind_predictions_total Answers given.
# TYPE ray_devmind_predictions_total counter
ray_devmind_predictions_total{WorkerId="a",model="m",abstained="false",SessionName="s"} 2.0
# TYPE ray_devmind_prediction_seconds histogram
ray_devmind_prediction_seconds_bucket{WorkerId="a",le="0.1"} 1.0
ray_devmind_prediction_seconds_bucket{WorkerId="a",le="+Inf"} 2.0
ray_devmind_prediction_seconds_count{WorkerId="a"} 2.0
ray_devmind_prediction_seconds_sum{WorkerId="a"} 0.5
# TYPE ray_devmind_model_loaded gauge
ray_devmind_model_loaded{WorkerId="a",version="3"} 1.0
# TYPE ray_serve_num_http_requests_total counter
ray_serve_num_http_requests_total{NodeAddress="10.0.0.7",route="/x\\"y"} 5.0
# TYPE ray_node_cpu gauge
ray_node_cpu{pid="77"} 9.0
"""


def samples(text):
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_replicas_add_up():
    """
    Numbers of two processes that say the same are added; ours lose Ray's prefix.
    """
    merged = samples(merge([ONE, ONE.replace('"a"', '"b"')]))

    model = (("abstained", "false"), ("model", "m"))
    assert merged[("devmind_predictions_total", model)] == 4
    assert merged[("devmind_prediction_seconds_bucket", (("le", "0.1"),))] == 2
    assert merged[("devmind_prediction_seconds_sum", ())] == 1
    assert merged[("devmind_model_loaded", (("version", "3"),))] == 2
    assert merged[("ray_serve_num_http_requests_total", (("route", '/x"y'),))] == 10


def test_what_all_replicas_read_from_the_database_is_not_added_up():
    """
    Figures that several processes show are the same figures; one that is absent does not hide them.
    """
    gauge = "# TYPE ray_devmind_rolling_auc gauge\n"
    texts = [
        f'{gauge}ray_devmind_rolling_auc{{WorkerId="{n}",model="m",project="shop"}} {value}\n'
        for n, value in enumerate(("0.8", "0.8", "NaN"))
    ]

    labels = (("model", "m"), ("project", "shop"))
    assert samples(merge(texts)) == {("devmind_rolling_auc", labels): 0.8}


def test_nothing_of_the_machine_is_shown():
    """
    Families and labels that name processes, nodes and sessions are left out.
    """
    merged = merge([ONE])

    assert not [word for word in ("10.0.0.7", "WorkerId", "Session", "node_cpu") if word in merged]


def test_each_family_is_declared_once():
    """
    Prometheus refuses a text that declares a family twice.
    """
    merged = merge([ONE, ONE])

    assert merged.count("# TYPE devmind_predictions_total counter") == 1
    assert merged.count("# TYPE ") == len(list(text_string_to_metric_families(merged)))


class Agent(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(ONE.encode())

    def log_message(self, *_values):
        pass


@pytest.fixture(name="agent")
def _agent():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Agent)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()


def test_an_agent_that_is_away_is_counted(agent):
    """
    What answers is shown; what does not is said.
    """
    text = asyncio.run(Scrape(lambda: [agent, "http://127.0.0.1:9/metrics"]).text())

    assert samples(text)[("devmind_metric_agents", (("state", "up"),))] == 1
    assert samples(text)[("devmind_metric_agents", (("state", "away"),))] == 1
    assert 'devmind_model_loaded{version="3"} 1.0' in text
