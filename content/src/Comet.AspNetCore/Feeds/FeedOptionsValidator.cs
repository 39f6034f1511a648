using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Feeds;

internal sealed class FeedOptionsValidator : IValidateOptions<FeedOptions>
{
    public ValidateOptionsResult Validate(string? name, FeedOptions options)
    {
        var errors = new List<string>();
        if (options.Retain is < 1 or > 10_000_000)
        {
            errors.Add($"Comet:Feeds:{name}:Retain is {options.Retain}; it must be 1 to 10000000 messages.");
        }
        if (options.RetainBytes is < 1024 or > 1L << 40)
        {
            errors.Add($"Comet:Feeds:{name}:RetainBytes is {options.RetainBytes}; it must be 1024 bytes to 1 TiB.");
        }
        if (options.RetainFor < TimeSpan.FromSeconds(1) || options.RetainFor > TimeSpan.FromDays(3650))
        {
            errors.Add($"Comet:Feeds:{name}:RetainFor is {options.RetainFor}; it must be 00:00:01 to 3650.00:00:00.");
        }
        if (!Enum.IsDefined(options.WhenSlow))
        {
            errors.Add($"Comet:Feeds:{name}:WhenSlow must be End, Latest or Skip.");
        }
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }
}
