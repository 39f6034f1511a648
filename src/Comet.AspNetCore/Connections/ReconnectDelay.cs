using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Connections;

/// <summary>When clients come back that were rejected or whose streams end: each at another time, so that they do not come all at once.</summary>
internal sealed class ReconnectDelay(IOptions<CometOptions> options)
{
    // Nobody comes back at once: whatever has ended many streams may need a moment itself.
    private const double Least = 0.05;

    /// <summary>Another random time, up to <see cref="CometOptions.ReconnectSpread"/>.</summary>
    internal TimeSpan Next() => options.Value.ReconnectSpread * (Least + ((1 - Least) * Random.Shared.NextDouble()));
}
