using System.Threading.RateLimiting;

namespace Comet.AspNetCore.Streams;

/// <summary>A stream's place among those that are open, until it is disposed.</summary>
internal sealed class StreamPermit : IDisposable
{
    private readonly StreamLifetime _lifetime;
    private readonly RateLimitLease[] _leases;

    internal StreamPermit(StreamLifetime lifetime, RateLimitLease[] leases)
    {
        (_lifetime, _leases) = (lifetime, leases);
        lifetime.Opened();
    }

    public void Dispose()
    {
        _lifetime.Closed();
        Array.ForEach(_leases, lease => lease.Dispose());
    }
}
