using System.Net;

namespace Comet.AspNetCore.Connections;

/// <summary>A stream's place among those that are open, for as long as it is open. Disposing it a second time does nothing.</summary>
/// <param name="limits">Where the place is given back.</param>
/// <param name="holder">For whom it is counted: a user's name, or an <see cref="IPAddress"/>; null: for nobody.</param>
internal sealed class ConnectionLease(ConnectionLimits limits, object? holder) : IDisposable
{
    private ConnectionLimits? _limits = limits;

    /// <inheritdoc cref="ConnectionLease(ConnectionLimits, object?)" path="/param[@name='holder']"/>
    internal object? Holder => holder;

    public void Dispose() => Interlocked.Exchange(ref _limits, null)?.Release(holder);
}
