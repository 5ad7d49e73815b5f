import signal
import threading

import pytest

from chainrule.solvers.interrupt import uninterrupted


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_waits_until_the_block_is_done():
    done = []

    def work():
        with uninterrupted():
            signal.raise_signal(signal.SIGINT)
            done.append("the rest of the block")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["the rest of the block"]


def test_the_handler_is_put_back_after_an_error():
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(ValueError, match="inside"), uninterrupted():
        raise ValueError("inside")
    assert signal.getsignal(signal.SIGINT) is handler


def test_in_another_thread_the_block_just_runs():
    done = []

    def work():
        with uninterrupted():
            done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert done == [True]
