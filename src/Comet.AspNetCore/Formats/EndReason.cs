namespace Comet.AspNetCore.Formats;

/// <summary>Why a stream ended.</summary>
internal enum EndReason
{
    None,
    Completed,
    Error,
    ShuttingDown,
    Draining,
    TooSlow,
    AuthenticationExpired,
    Recycled,
    ClientDisconnected,
}

internal static class EndReasons
{
    internal static string ToWire(this EndReason reason) => reason switch
    {
        EndReason.Completed => "completed",
        EndReason.Error => "error",
        EndReason.ShuttingDown => "shutting-down",
        EndReason.Draining => "draining",
        EndReason.TooSlow => "too-slow",
        EndReason.AuthenticationExpired => "authentication-expired",
        EndReason.Recycled => "recycled",
        EndReason.ClientDisconnected => "client-disconnected",
        _ => throw new ArgumentOutOfRangeException(nameof(reason)),
    };
}
