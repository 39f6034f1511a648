using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>
/// How long rejected clients, and clients whose stream ends, wait before they come back: each another time, so that they do not all
/// come at once.
/// </summary>
internal sealed class ReconnectDelay(IOptions<CometOptions> options)
{
    // No client comes back immediately: what has ended many streams may need a moment itself.
    private const double Least = 0.05;

    /// <summary>A random time, up to <see cref="CometOptions.ReconnectSpread"/>.</summary>
    internal TimeSpan Next() => options.Value.ReconnectSpread * (Least + ((1 - Least) * Random.Shared.NextDouble()));
}
