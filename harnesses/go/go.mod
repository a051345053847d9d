module sealab/harness

go 1.19
