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
    ClientGone,
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
        EndReason.ClientGone => "client-gone",
        _ => throw new ArgumentOutOfRangeException(nameof(reason)),
    };
}
