using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Comet.AspNetCore.Options;

/// <summary>
/// Refuses a text where a section of settings belongs, of any options, as nothing would read it. The text may be a secret and is not
/// repeated.
/// </summary>
internal sealed class SettingsSectionsValidator(IConfiguration configuration, IEnumerable<SettingsSection> sections)
    : IValidateOptions<CometOptions>
{
    public ValidateOptionsResult Validate(string? name, CometOptions options)
    {
        var faults = sections.SelectMany(section => WithParents(section.Path))
            .Distinct(StringComparer.OrdinalIgnoreCase)
            .Where(path => !string.IsNullOrEmpty(configuration[path]))
            .Select(path => $"{path} is a text; settings belong below it, such as {path}:<name>.")
            .ToList();
        return faults.Count > 0 ? ValidateOptionsResult.Fail(faults) : ValidateOptionsResult.Success;
    }

    private static IEnumerable<string> WithParents(string path)
    {
        for (string? at = path; at is not null; at = ConfigurationPath.GetParentPath(at))
        {
            yield return at;
        }
    }
}
