"""What is wrong in a script is found: unknown words, bad arguments, and expectations that do not hold."""


def self_test(tally, stages):
    pass
