namespace Comet.AspNetCore.Connections;

/// <summary>A stream's place among those that are open, for as long as it is open. Disposing it a second time does nothing.</summary>
internal sealed class ConnectionLease(ConnectionLimits limits, object? address, object? user) : IDisposable
{
    private ConnectionLimits? _limits = limits;

    public void Dispose() => Interlocked.Exchange(ref _limits, null)?.Release(address, user);
}
