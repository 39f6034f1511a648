using System.Net;

namespace Comet.AspNetCore.Connections;

/// <summary>A stream's place among those that are open, for as long as it is open. Disposing it a second time does nothing.</summary>
/// <param name="limits">Where the place is given back.</param>
internal sealed class ConnectionLease(ConnectionLimits limits) : IDisposable
{
    private ConnectionLimits? _limits = limits;

    /// <summary>For whom it is counted: a user's name, or an <see cref="IPAddress"/>; null: for nobody.</summary>
    internal object? Holder { get; set; }

    public void Dispose() => Interlocked.Exchange(ref _limits, null)?.Release(Holder);
}
