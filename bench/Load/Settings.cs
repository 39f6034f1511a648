using System.Globalization;

namespace CometBench.Load;

/// <summary>The command line.</summary>
internal sealed record Settings
{
    internal const string Usage = """
        dotnet run -c Release --project bench/Load [-- suite] [options]

        suites
          compare      every server: steady traffic, saturation, memory of idle connections (default)
          growth       the library by itself: message sizes, many feeds, publishing threads, TLS, HTTP/2, nginx, many connections

        options (default)
          --servers a,b        some of: comet, comet-sse, aspnet-sse, signalr-sse, naive (all)
          --n 1000,5000        connections under steady traffic
          --idle 1000,5000     connections that receive nothing, for the memory of one
          --saturate 200       connections at saturation
          --held 20000         idle connections in the suite growth
          --rate 10            messages a second, steady
          --seconds 5          of each stage; steady traffic goes on until 30,000 deliveries
          --size 100           bytes of a message
          --runs 1             the medians of so many, and from where to where they went
          --out folder         where report.md and chart.svg go (artifacts/bench)
        """;

    internal string Suite { get; private init; } = "compare";

    internal string[] Servers { get; private init; } = [];

    internal int[] Connections { get; private init; } = [1000, 5000];

    internal int[] Idle { get; private init; } = [1000, 5000];

    internal int Saturate { get; private init; } = 200;

    internal int Held { get; private init; } = 20_000;

    internal double Rate { get; private init; } = 10;

    internal TimeSpan Duration { get; private init; } = TimeSpan.FromSeconds(5);

    internal int Size { get; init; } = 100;

    internal int Runs { get; private init; } = 1;

    internal string Out { get; private init; } = Path.Combine("artifacts", "bench");

    /// <exception cref="FormatException">There is no such option, or its value is no number.</exception>
    internal static Settings Parse(string[] arguments)
    {
        var settings = new Settings();
        var named = arguments is [{ } first, ..] && !first.StartsWith("--", StringComparison.Ordinal);
        if (named)
        {
            settings = settings with { Suite = arguments[0] };
        }
        for (var i = named ? 1 : 0; i < arguments.Length; i += 2)
        {
            if (i + 1 == arguments.Length)
            {
                throw new FormatException($"{arguments[i]} needs a value.");
            }
            var value = arguments[i + 1];
            settings = arguments[i] switch
            {
                "--servers" => settings with { Servers = value.Split(',') },
                "--n" => settings with { Connections = [.. value.Split(',').Select(Number)] },
                "--idle" => settings with { Idle = [.. value.Split(',').Select(Number)] },
                "--saturate" => settings with { Saturate = Number(value) },
                "--held" => settings with { Held = Number(value) },
                "--rate" => settings with { Rate = double.Parse(value, CultureInfo.InvariantCulture) },
                "--seconds" => settings with { Duration = TimeSpan.FromSeconds(double.Parse(value, CultureInfo.InvariantCulture)) },
                "--size" => settings with { Size = Number(value) },
                "--runs" => settings with { Runs = Number(value) },
                "--out" => settings with { Out = value },
                var other => throw new FormatException($"There is no option {other}."),
            };
        }
        return settings;
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
}
