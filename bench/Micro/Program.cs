using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;
using CometBench.Micro;

var config = DefaultConfig.Instance
    .WithArtifactsPath(Path.Combine("artifacts", "micro"))
    .HideColumns(Column.Error, Column.StdDev, Column.Ratio, Column.RatioSD, Column.Gen0, Column.Gen1, Column.Gen2)
    .AddColumn(new ThroughputColumn());
BenchmarkSwitcher.FromAssembly(typeof(ThroughputColumn).Assembly).Run(args, config);
